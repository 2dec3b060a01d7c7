import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryLab, arbitraryLabFile, labOf } from '../../test/support/labs.ts';
import { labFileOfLab } from './describe.ts';
import { formatLabFile } from './file/generate.ts';
import { parseLabFile } from './file/parse.ts';
import { resolveLab } from './file/resolve.ts';

test('the file of a lab makes an equal lab elsewhere', () => {
  fc.assert(
    fc.property(arbitraryLab, (lab) => {
      const file = parseLabFile('described.yaml', formatLabFile(labFileOfLab(lab)));
      expect(resolveLab({ file, id: lab.id, taken: [], previous: null })).toEqual(lab);
    }),
  );
}, 60_000);

test('the file of a lab with a past changes nothing of it', () => {
  fc.assert(
    fc.property(arbitraryLab, arbitraryLabFile, (past, file) => {
      const lab = labOf(file, past);
      const described = parseLabFile('described.yaml', formatLabFile(labFileOfLab(lab)));
      expect(resolveLab({ file: described, id: lab.id, taken: [], previous: lab })).toEqual(lab);
    }),
  );
}, 60_000);
