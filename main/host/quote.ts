/** Quotes one word for a POSIX shell (XCU 2.2.2). A NUL byte cannot be in an argument at all. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new Error('an argument cannot contain a NUL byte');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** An argv as one command line for a POSIX shell. */
export const quoteCommand = (argv: readonly string[]): string => argv.map(quoteWord).join(' ');
