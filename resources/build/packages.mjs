// What is changed in packages on their way into a bundle, the same for every bundler.

import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import protobuf from 'protobufjs';

/** Optional native parts of ssh2, which it does without; they are bound to one version of Node. */
export const nativeParts = /^cpu-features$|sshcrypto\.node$/;

/** etcd3 reads its protocol definition from a file beside it, which a bundle has not; it is put in as JSON instead. */
function withProtocol(path) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of etcd3's own source.
  const call = 'loadSync)(`${__dirname}/../proto/rpc.proto`';
  const parts = readFileSync(path, 'utf8').split(call);
  if (parts.length !== 2) throw new Error(`etcd3 does not contain ${call} any more`);
  const definition = new protobuf.Root().loadSync(join(dirname(path), '..', 'proto', 'rpc.proto'), {
    keepCase: true,
  });
  return parts.join(`fromJSON)(${JSON.stringify(definition.toJSON())}`);
}

/** Files by their path, and what they contain instead. What is never used is left out: zod's messages in other languages, and dockerode's BuildKit, which brings gRPC. */
const replacements = [
  { file: /[\\/]etcd3[\\/]lib[\\/]connection-pool\.js$/, contents: withProtocol },
  {
    file: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/,
    contents: () => "export { default as en } from './en.js';",
  },
  {
    file: /[\\/]dockerode[\\/]lib[\\/](session|buildkit)\.js$/,
    contents: (path) =>
      `module.exports = () => { throw new Error('${basename(path)} is left out of the build'); };`,
  },
];

/** For esbuild. */
export const esbuildPackages = {
  name: 'flatland-packages',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: nativeParts }, ({ path }) => ({ path, external: true }));
    for (const { file, contents } of replacements)
      onLoad({ filter: file }, ({ path }) => {
        try {
          return { contents: contents(path) };
        } catch (error) {
          return { errors: [{ text: error.message }] };
        }
      });
  },
};

/** For Vite and Rolldown. */
export const vitePackages = {
  name: 'flatland-packages',
  enforce: 'pre',
  resolveId: (id) => (nativeParts.test(id) ? { id, external: true } : null),
  load: (id) => replacements.find(({ file }) => file.test(id))?.contents(id) ?? null,
};
