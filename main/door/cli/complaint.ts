import type { FlatlandError } from '../../../contract/error.ts';
import { harmless, type Line, line, span } from './text.ts';

/** An error for people: what is wrong, what to do about it, and the command that mends it. Pure. */
export function drawError({ message, hint, fix }: FlatlandError): Line[] {
  const [first = '', ...others] = message.split('\n');
  return [
    line(span('✗ ', 'bad'), harmless(first)),
    ...others.map((text) => line('  ', harmless(text))),
    line('  ', span(harmless(hint), 'dim')),
    ...(fix === undefined ? [] : [line('  ', span('fix  ', 'dim'), span(harmless(fix), 'accent'))]),
  ];
}

/** An error for programs: one line of JSON that is no event. */
export const errorLine = (error: FlatlandError): string => JSON.stringify({ error });
