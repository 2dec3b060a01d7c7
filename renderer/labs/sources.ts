import { z } from 'zod';
import { type LabSource, labSource } from '../../contract/request.ts';

const key = (lab: string) => `flatland-source ${lab}`;

/** Keeps in this window what a lab was begun from, so that a failed beginning can be tried again. */
export function rememberSource(lab: string, source: LabSource): void {
  try {
    sessionStorage.setItem(key(lab), JSON.stringify(source));
  } catch {
    // A browser that keeps nothing cannot try again, and that is all.
  }
}

const stored = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('is no JSON');
    return z.NEVER;
  }
});

/** What a lab was begun from in this window; null when it was not. */
export function sourceOf(lab: string): LabSource | null {
  const parsed = stored.pipe(labSource).safeParse(sessionStorage.getItem(key(lab)));
  return parsed.success ? parsed.data : null;
}
