import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { z } from 'zod';

/** A key pair: the private key in OpenSSH's own form, the public one as its one line. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const type = 'ssh-ed25519';
const okp = z.object({ x: z.string(), d: z.string() });

/** A length and its bytes (RFC 4251, section 5, "string"). */
function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** OpenSSH's private key file without a passphrase (its PROTOCOL.key): the private part is padded to 8 bytes with 1, 2, 3, … */
function privateKeyFile(publicBlob: Buffer, point: Buffer, seed: Buffer, comment: string): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    field(type),
    field(point),
    field(Buffer.concat([seed, point])),
    field(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    Buffer.from([0, 0, 0, 1]),
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}

/** A new Ed25519 key pair. Written here because ssh2's own generator makes, now and then, a key that OpenSSH cannot read. */
export function generateKeyPair(comment: string): KeyPair {
  const { x, d } = okp.parse(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
  const point = Buffer.from(x, 'base64url');
  const publicBlob = Buffer.concat([field(type), field(point)]);
  return {
    privateKey: privateKeyFile(publicBlob, point, Buffer.from(d, 'base64url'), comment),
    publicKey: `${type} ${publicBlob.toString('base64')} ${comment}`,
  };
}

/** The key itself (base64, decoded) of an OpenSSH one-line public key. */
export const keyBlob = (publicKey: string): Buffer =>
  Buffer.from(publicKey.trim().split(/\s+/)[1] ?? '', 'base64');

/** The fingerprint that ssh-keygen(1) shows: `SHA256:` and unpadded base64. */
export const fingerprint = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
