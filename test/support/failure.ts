import { Failure } from '../../main/failure.ts';

/** The error of the catalogue that some work rejects with; anything else is a defect. */
export async function failureOf(work: Promise<unknown>) {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.error;
    throw thrown;
  }
  throw new Error('it did not fail');
}
