import { type Failure, failure } from '../failure.ts';

/** What a screen asked for cannot be: for example it shows something that is not there any more. */
export const refuse = (message: string, hint = 'Reload the page if it shows something else.'): Failure =>
  failure('input-invalid', message, { hint });
