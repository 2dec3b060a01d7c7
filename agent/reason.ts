/** An error's message in one line, without the class name that etcd3 puts in front of it. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text
    .replace(/\s+/g, ' ')
    .replace(/^(?:[A-Za-z]*Error: )+/, '')
    .trim()
    .slice(0, 300);
}
