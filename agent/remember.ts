import { isDeepStrictEqual } from 'node:util';

/** A pure function that makes its result anew only when an argument is another than the last time. */
export function rememberLast<Args extends readonly unknown[], Result>(
  make: (...args: Args) => Result,
): (...args: Args) => Result {
  let last: { readonly args: Args; readonly result: Result } | null = null;
  return (...args) => {
    const before = last;
    if (before?.args.every((arg, place) => arg === args[place] || isDeepStrictEqual(arg, args[place])))
      return before.result;
    const result = make(...args);
    last = { args, result };
    return result;
  };
}
