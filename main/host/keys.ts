import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';

/** A key pair: the private key in OpenSSH's own form, the public one as its one line. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export function generateKeyPair(comment: string): KeyPair {
  const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
  return { privateKey: pair.private, publicKey: pair.public };
}

/** The key itself (base64, decoded) of an OpenSSH one-line public key. */
export const keyBlob = (publicKey: string): Buffer =>
  Buffer.from(publicKey.trim().split(/\s+/)[1] ?? '', 'base64');

/** The fingerprint that ssh-keygen(1) shows: `SHA256:` and unpadded base64. */
export const fingerprint = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
