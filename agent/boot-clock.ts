import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/*
 * The clock that counts from the machine's boot (CLOCK_BOOTTIME): nobody sets it, it goes on while the machine is
 * suspended, and all processes of one boot read the same.
 */

/** Milliseconds since the boot, in steps of ten. */
export const sinceBoot = (): number => uptime() * 1000;

/** What tells one boot from another; empty where the kernel doesn't say. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
