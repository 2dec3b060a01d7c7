import { z } from 'zod';

/**
 * The one catalogue of errors. Every door shows the same `{code, message, hint, fix?}`; `exit` is the exit code of the
 * command line (documented in the README): 1 something failed, 2 bad input, 3 the machine lacks something,
 * 4 a clash or somebody else is busy, 5 the proof is not green, 130 cancelled.
 */
export const errorCatalogue = {
  'lab-file-invalid': {
    exit: 2,
    hint: 'Correct the lab file and run the command again; nothing was started.',
  },
  'input-invalid': { exit: 2, hint: 'See `flatland help` for what the command takes.' },
  'lab-unknown': { exit: 2, hint: 'See `flatland ls` for the labs that exist.' },
  'host-unknown': { exit: 2, hint: 'See `flatland status` for the names of hosts and pods.' },
  'image-unknown': {
    exit: 2,
    hint: 'Name an image that the host has, or leave it out to use the built-in one.',
  },
  'image-invalid': { exit: 2, hint: 'Make the file with `docker save`; it may be gzipped.' },
  'platform-unsupported': { exit: 3, hint: 'Sandbox hosts need Linux with systemd installed.' },
  'root-needed': { exit: 3, hint: 'Run as root, or install sudo and let this user use it.' },
  'package-missing': { exit: 3, hint: 'Install the packages named above, then run the command again.' },
  'disk-full': {
    exit: 3,
    hint: 'Free some disk space, then run the command again; what was started is finished then.',
  },
  'range-clash': { exit: 4, hint: 'Use the proposed range, or leave the range out and a free one is taken.' },
  'lab-busy': { exit: 4, hint: 'Wait until the other command ends, or stop it.' },
  'resource-taken': { exit: 4, hint: 'Remove what holds the name or the port, or use another lab name.' },
  'host-start-failed': { exit: 1, hint: "The last lines of the host's console are shown above." },
  'host-silent': { exit: 1, hint: 'See the console of the host: `flatland logs HOST console`.' },
  'host-lost': { exit: 1, hint: 'The host does not answer any more; `flatland up` brings it back.' },
  'host-key-changed': {
    exit: 1,
    hint: 'This is not the machine that was pinned. Check who answers at that address.',
  },
  'command-failed': { exit: 1, hint: 'The last lines of its output are shown above.' },
  'etcd-failed': { exit: 1, hint: 'See `flatland logs HOST etcd`.' },
  'agent-failed': { exit: 1, hint: 'See `flatland logs HOST agent`.' },
  'docker-failed': { exit: 1, hint: 'See `flatland logs HOST docker`.' },
  'pod-failed': { exit: 1, hint: 'See `flatland logs HOST docker`.' },
  'deadline-passed': { exit: 1, hint: 'Run the command again: it goes on where it stopped.' },
  'proof-red': { exit: 5, hint: 'Each red cell above names the probe, what was expected and what was seen.' },
  'teardown-incomplete': { exit: 1, hint: 'Run `flatland down` again; the ledger still holds what is left.' },
  cancelled: { exit: 130, hint: 'What had been started was taken back.' },
  internal: { exit: 1, hint: 'This is a defect of Flatland: the log has the cause, please report it.' },
} as const satisfies Record<string, { exit: number; hint: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** What a user sees of an error. `fix` is a command that mends it, where there is one. */
export const flatlandError = z.object({
  code: z.custom<ErrorCode>((value) => typeof value === 'string' && value in errorCatalogue),
  message: z.string(),
  hint: z.string(),
  fix: z.string().optional(),
});
export type FlatlandError = z.infer<typeof flatlandError>;
