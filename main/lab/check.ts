import type { CheckRequest, CheckResult } from '../../contract/request.ts';
import { toFlatlandError } from '../failure.ts';
import { readLabFile } from './file/parse.ts';
import { planOf } from './prepare.ts';

const mostProblems = 100;

/**
 * What is to be said of the text of a lab file: what is wrong in it (100 problems at most), what `up` would do with it, or
 * why this machine cannot. Touches nothing and never rejects for what is in the file.
 */
export async function checkLabFile({ path, text }: CheckRequest): Promise<CheckResult> {
  const reading = readLabFile(text);
  if (reading.kind === 'problems')
    return { kind: 'problems', problems: reading.problems.slice(0, mostProblems) };
  const { file } = reading;
  try {
    return { kind: 'plan', file, plan: await planOf({ kind: 'file', path, text }) };
  } catch (thrown) {
    return { kind: 'impossible', file, error: toFlatlandError(thrown) };
  }
}
