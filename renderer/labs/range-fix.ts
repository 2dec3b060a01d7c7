import type { FlatlandError } from '../../contract/error.ts';
import type { LabEdit } from './document.ts';

/** The edit that takes the free range which a range clash proposes; null when it proposes none. */
export function proposedRange({
  code,
  message,
}: FlatlandError): (LabEdit & { readonly value: string }) | null {
  if (code !== 'range-clash') return null;
  const proposed = /(\d{1,3}(?:\.\d{1,3}){3}\/\d{1,2}) is free\b/.exec(message)?.[1];
  if (proposed === undefined) return null;
  return { kind: message.includes('underlay.cidr') ? 'underlay' : 'overlay', value: proposed };
}
