import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { type BackendType, backendType } from '../../contract/lab.ts';

/** A pod as the form shows it. */
export interface FormPod {
  readonly name: string;
  readonly host: string;
  readonly image: string;
}

/** What the form shows of a lab file. An empty text or null is a field that the file leaves to its default. */
export interface LabForm {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly backend: BackendType;
  readonly vni: number | null;
  readonly port: number | null;
  readonly directRouting: boolean;
  readonly overlay: string;
  readonly subnetLength: number | null;
  readonly underlay: string;
  readonly mtu: number | null;
  readonly members: number | null;
  readonly tls: boolean;
  readonly pods: readonly FormPod[];
}

/** One change that the form makes to the text. Null and '' take the field out, so that its default counts again. */
export type LabEdit =
  | { readonly kind: 'name'; readonly value: string }
  | { readonly kind: 'hosts'; readonly count: number }
  | { readonly kind: 'rename-host'; readonly index: number; readonly name: string }
  | { readonly kind: 'remove-host'; readonly index: number }
  | { readonly kind: 'backend'; readonly value: BackendType }
  | {
      readonly kind: 'backend-option';
      readonly option: 'vni' | 'port' | 'directRouting';
      readonly value: number | boolean | null;
    }
  | { readonly kind: 'overlay' | 'underlay'; readonly value: string }
  | { readonly kind: 'subnet-length' | 'mtu' | 'members'; readonly value: number | null }
  | { readonly kind: 'tls'; readonly value: boolean }
  | { readonly kind: 'add-pod'; readonly host: string }
  | { readonly kind: 'remove-pod'; readonly index: number }
  | { readonly kind: 'pod'; readonly index: number; readonly field: keyof FormPod; readonly value: string };

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';
const number = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
const entries = (document: Document, key: string): YAMLMap[] => {
  const node = document.get(key);
  return isSeq(node) ? node.items.filter((item) => isMap(item)) : [];
};

function open(source: string): Document | null {
  const document = parseDocument(source);
  if (document.errors.length > 0) return null;
  return document.contents === null || isMap(document.contents) ? document : null;
}

/**
 * What the form shows of a lab file's text; null while the text is no YAML mapping. It asks for no more: whether the file
 * makes a lab is said by `check`.
 */
export function readForm(source: string): LabForm | null {
  const document = open(source);
  if (document === null) return null;
  const backend = document.getIn(['network', 'backend']);
  const option = (name: string): unknown => (isMap(backend) ? backend.get(name) : undefined);
  const type = backendType.safeParse(isMap(backend) ? backend.get('type') : backend);
  return {
    name: text(document.get('name')),
    hosts: entries(document, 'hosts').map((host) => text(host.get('name'))),
    backend: type.success ? type.data : 'vxlan',
    vni: number(option('vni')),
    port: number(option('port')),
    directRouting: option('directRouting') === true,
    overlay: text(document.getIn(['network', 'cidr'])),
    subnetLength: number(document.getIn(['network', 'subnetLength'])),
    underlay: text(document.getIn(['underlay', 'cidr'])),
    mtu: number(document.getIn(['underlay', 'mtu'])),
    members: number(document.getIn(['etcd', 'members'])),
    tls: document.getIn(['etcd', 'tls']) !== false,
    pods: entries(document, 'pods').map((pod) => ({
      name: text(pod.get('name')),
      host: text(pod.get('host')),
      image: text(pod.get('image')),
    })),
  };
}

const isEmptyMap = (node: unknown) => isMap(node) && node.items.length === 0;

const topKeys = ['name', 'network', 'underlay', 'hosts', 'etcd', 'pods'];

/** Sets a key of the file itself; a new one goes where an author would look for it. */
function setTop(document: Document, key: string, value: Node): void {
  const { contents } = document;
  if (!isMap(contents) || contents.has(key)) {
    document.set(key, value);
    return;
  }
  const rank = (pair: Pair) => topKeys.indexOf(isScalar(pair.key) ? String(pair.key.value) : '');
  const before = contents.items.findIndex((pair) => rank(pair) > topKeys.indexOf(key));
  const at = before < 0 ? contents.items.length : before;
  const pair = document.createPair(key, value);
  const neighbour = contents.items[at] ?? contents.items[at - 1];
  // It stands as far from the one before it as its neighbours do from theirs.
  if (isScalar(pair.key) && at > 0 && isScalar(neighbour?.key) && neighbour.key.spaceBefore === true)
    pair.key.spaceBefore = true;
  contents.items.splice(at, 0, pair);
}

/** Sets a value, making the mappings on the way to it; null takes it out, and mappings that are empty then. */
function put(document: Document, path: readonly string[], value: string | number | boolean | null): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  if (value === null) {
    if (document.hasIn(path)) document.deleteIn(path);
    if (rest.length > 0 && isEmptyMap(document.get(first))) document.delete(first);
    return;
  }
  if (rest.length > 0 && !isMap(document.get(first))) setTop(document, first, document.createNode({}));
  const old = document.getIn(path, true);
  // A scalar that is there keeps its comment and its quotes.
  if (isScalar(old)) old.value = value;
  else if (rest.length > 0) document.setIn(path, value);
  else setTop(document, first, document.createNode(value));
}

function append(document: Document, key: string, value: unknown, flow: boolean): void {
  const seq = document.get(key);
  const node = document.createNode(value, { flow });
  if (isSeq(seq)) seq.add(node);
  else setTop(document, key, document.createNode([node]));
}

function remove(document: Document, key: string, keep: (entry: YAMLMap) => boolean): void {
  const seq = document.get(key);
  if (!isSeq(seq)) return;
  seq.items = seq.items.filter((item) => !isMap(item) || keep(item));
  if (seq.items.length === 0) document.delete(key);
}

/** The first of `base1`, `base2`, … (or base itself followed by letters) that is not taken. */
function freeName(taken: readonly string[], nameOf: (index: number) => string): string {
  for (let index = 0; ; index += 1) {
    const name = nameOf(index);
    if (!taken.includes(name)) return name;
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz';
const podName = (host: string, taken: readonly string[]) =>
  freeName(taken, (index) => `${host}-${letters[index] ?? index + 1}`);

const podNames = (document: Document) => entries(document, 'pods').map((pod) => text(pod.get('name')));

function addPod(document: Document, host: string): void {
  append(document, 'pods', { name: podName(host, podNames(document)), host }, true);
}

function addHost(document: Document): void {
  const hosts = entries(document, 'hosts').map((host) => text(host.get('name')));
  const name = freeName(hosts, (index) => `h${index + 1}`);
  append(document, 'hosts', { name }, false);
  addPod(document, name);
  addPod(document, name);
}

function removeHost(document: Document, index: number): void {
  const host = entries(document, 'hosts')[index];
  if (host === undefined) return;
  const name = host.get('name');
  remove(document, 'hosts', (entry) => entry !== host);
  remove(document, 'pods', (pod) => pod.get('host') !== name);
}

function setName(entry: YAMLMap, key: string, name: string): void {
  const old = entry.get(key, true);
  if (isScalar(old)) old.value = name;
  else entry.set(key, name);
}

function renameHost(document: Document, index: number, name: string): void {
  const host = entries(document, 'hosts')[index];
  if (host === undefined) return;
  const before = host.get('name');
  setName(host, 'name', name);
  for (const pod of entries(document, 'pods')) if (pod.get('host') === before) setName(pod, 'host', name);
}

const backendOptions: Record<BackendType, readonly string[]> = {
  vxlan: ['vni', 'port', 'directRouting'],
  udp: ['port'],
  'host-gw': [],
};

/** Another backend keeps none of the options of the one before: a port of VXLAN is not what UDP means. */
function setBackend(document: Document, value: BackendType): void {
  const node = document.getIn(['network', 'backend'], true);
  if (isMap(node)) {
    for (const option of new Set(Object.values(backendOptions).flat())) node.delete(option);
    setName(node, 'type', value);
  } else put(document, ['network', 'backend'], value);
}

function setBackendOption(
  document: Document,
  option: 'vni' | 'port' | 'directRouting',
  value: number | boolean | null,
): void {
  const node = document.getIn(['network', 'backend'], true);
  if (isMap(node)) {
    if (value === null) node.delete(option);
    else node.set(option, value);
  } else if (value !== null) {
    const type = isScalar(node) ? node.value : 'vxlan';
    if (!isMap(document.get('network'))) setTop(document, 'network', document.createNode({}));
    document.setIn(['network', 'backend'], document.createNode({ type, [option]: value }));
  }
}

function apply(document: Document, edit: LabEdit): void {
  switch (edit.kind) {
    case 'name':
      put(document, ['name'], edit.value);
      break;
    case 'hosts': {
      for (let have = entries(document, 'hosts').length; have < edit.count; have += 1) addHost(document);
      for (let have = entries(document, 'hosts').length; have > edit.count; have -= 1)
        removeHost(document, have - 1);
      break;
    }
    case 'rename-host':
      renameHost(document, edit.index, edit.name);
      break;
    case 'remove-host':
      removeHost(document, edit.index);
      break;
    case 'backend':
      setBackend(document, edit.value);
      break;
    case 'backend-option':
      setBackendOption(document, edit.option, edit.value);
      break;
    case 'overlay':
      put(document, ['network', 'cidr'], edit.value === '' ? null : edit.value);
      break;
    case 'underlay':
      put(document, ['underlay', 'cidr'], edit.value === '' ? null : edit.value);
      break;
    case 'subnet-length':
      put(document, ['network', 'subnetLength'], edit.value);
      break;
    case 'mtu':
      put(document, ['underlay', 'mtu'], edit.value);
      break;
    case 'members':
      put(document, ['etcd', 'members'], edit.value);
      break;
    case 'tls':
      put(document, ['etcd', 'tls'], edit.value ? null : false);
      break;
    case 'add-pod':
      addPod(document, edit.host);
      break;
    case 'remove-pod': {
      const pod = entries(document, 'pods')[edit.index];
      remove(document, 'pods', (entry) => entry !== pod);
      break;
    }
    case 'pod': {
      const pod = entries(document, 'pods')[edit.index];
      if (edit.field === 'image' && edit.value === '') pod?.delete('image');
      else if (pod !== undefined) setName(pod, edit.field, edit.value);
    }
  }
}

/** The text after an edit; comments and the way things are written stay. A text that is no YAML mapping stays as it is. */
export function editText(source: string, edit: LabEdit): string {
  const document = open(source);
  if (document === null) return source;
  if (document.contents === null) document.contents = document.createNode({});
  apply(document, edit);
  return tidy(document.toString({ lineWidth: 0 }), source);
}

/** Lists stay as narrow as the text had them: `[80]` is not to become `[ 80 ]` only because a name was changed. */
function tidy(written: string, source: string): string {
  if (source.includes('[ ')) return written;
  return written.replaceAll(/^([^#'"\n]*\b(?:ports|command): )\[ ([^[\]{}'"#\n]*) \]/gm, '$1[$2]');
}
