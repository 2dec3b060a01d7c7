import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeRanges } from './memory.ts';

test('only the machine code of this very program is found', () => {
  const maps = [
    '00400000-00d2e000 r--p 00000000 fe:00 1234                               /opt/no de/bin/node',
    '00d2e000-00d2f000 r-xp 0092e000 fe:00 1234                               /opt/no de/bin/node',
    '02df3000-02df6000 rw-p 029f2000 fe:00 1234                               /opt/no de/bin/node',
    '7f1c6d600000-7f1c6d613000 r-xp 00000000 00:00 0 ',
    '7f1c6d613000-7f1c6d700000 r-xp 00000000 fe:00 99                         /lib/libc.so.6',
  ].join('\n');
  expect(codeRanges(maps, '/opt/no de/bin/node')).toEqual([{ address: 0xd2e000, length: 0x1000 }]);
  expect(codeRanges('', '/opt/no de/bin/node')).toEqual([]);
  const own = codeRanges(readFileSync('/proc/self/maps', 'utf8'), process.execPath);
  expect(own.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(1 << 20);
});
