import { builtInImage, dnsLabel, imageReference } from '../../contract/lab.ts';
import type { ImageSummary, RunRequest } from '../../contract/request.ts';
import { splitWords } from './words.ts';

/** What the launch panel holds, as it was typed. */
export interface LaunchForm {
  readonly hosts: readonly string[];
  readonly image: string;
  readonly name: string;
  readonly command: string;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly perHost: number;
}

export type LaunchField = 'hosts' | 'image' | 'name' | 'command' | 'labels' | 'perHost';

/** The calls that a form stands for, or what is wrong with it, by its field. */
export type LaunchPlan =
  | { readonly ok: true; readonly requests: readonly (RunRequest & { readonly lab: string })[] }
  | { readonly ok: false; readonly problems: Partial<Record<LaunchField, string>> };

const mostPerHost = 50;

function problemsOf(form: LaunchForm, taken: ReadonlySet<string>): Partial<Record<LaunchField, string>> {
  const problems: Partial<Record<LaunchField, string>> = {};
  const total = form.hosts.length * form.perHost;
  if (form.hosts.length === 0) problems.hosts = 'Choose at least one host.';
  if (!Number.isInteger(form.perHost) || form.perHost < 1 || form.perHost > mostPerHost)
    problems.perHost = `From 1 to ${mostPerHost}.`;
  const image = imageReference.safeParse(form.image.trim());
  if (form.image.trim() !== '' && !image.success) problems.image = 'It must be an image such as nginx:1.27.';
  const name = form.name.trim();
  if (name !== '') {
    // Room for the number at the end.
    const longest = total > 1 ? 63 - String(total + taken.size).length - 1 : 63;
    if (!dnsLabel.safeParse(name).success)
      problems.name = 'Lower case letters, digits and inner hyphens, at most 63 of them.';
    else if (name.length > longest)
      problems.name = `At most ${longest} characters, since each gets a number.`;
    else if (total === 1 && taken.has(name)) problems.name = 'There is a container of this name.';
  }
  const words = splitWords(form.command);
  if (!words.ok) problems.command = words.problem;
  const keys = form.labels
    .filter(({ key, value }) => key.trim() !== '' || value !== '')
    .map(({ key }) => key.trim());
  if (keys.includes('')) problems.labels = 'A label needs a key.';
  else if (new Set(keys).size < keys.length) problems.labels = 'Two labels have the same key.';
  return problems;
}

/** Turns a form into calls. `taken` are the names of containers that there are. Pure. */
export function planLaunch(lab: string, form: LaunchForm, taken: ReadonlySet<string>): LaunchPlan {
  const problems = problemsOf(form, taken);
  const words = splitWords(form.command);
  if (Object.keys(problems).length > 0 || !words.ok) return { ok: false, problems };
  const name = form.name.trim();
  const image = form.image.trim();
  const labels = form.labels.filter(({ key }) => key.trim() !== '');
  const used = new Set(taken);
  let number = 1;
  const nextName = (): string => {
    if (form.hosts.length * form.perHost === 1) return name;
    while (used.has(`${name}-${number}`)) number += 1;
    used.add(`${name}-${number}`);
    return `${name}-${number}`;
  };
  const requests = form.hosts.flatMap((host) =>
    Array.from({ length: form.perHost }, () => ({
      lab,
      host,
      ...(image === '' || image === builtInImage ? {} : { image }),
      ...(name === '' ? {} : { name: nextName() }),
      ...(words.words.length === 0 ? {} : { command: [...words.words] }),
      ...(labels.length === 0
        ? {}
        : { labels: Object.fromEntries(labels.map(({ key, value }) => [key.trim(), value])) }),
    })),
  );
  return { ok: true, requests };
}

/** An image that may be chosen. `hosts` is how many of the chosen hosts have it. */
export interface ImageChoice {
  readonly name: string;
  readonly bytes: number | null;
  readonly hosts: number;
}

/** Images that hosts have, each once: the built-in one, which every host gets when it needs it, and then by name. */
export function mergeImages(perHost: readonly (readonly ImageSummary[])[]): ImageChoice[] {
  const found = new Map<string, ImageChoice>();
  for (const images of perHost)
    for (const { name, bytes } of images) {
      if (!imageReference.safeParse(name).success) continue;
      found.set(name, { name, bytes, hosts: (found.get(name)?.hosts ?? 0) + 1 });
    }
  const isBuiltIn = ({ name }: ImageChoice) => name === builtInImage || name === `${builtInImage}:latest`;
  const builtIn = [...found.values()].find(isBuiltIn);
  const others = [...found.values()]
    .filter((choice) => !isBuiltIn(choice))
    .sort((one, other) => one.name.localeCompare(other.name));
  return [{ name: builtInImage, bytes: builtIn?.bytes ?? null, hosts: perHost.length }, ...others];
}
