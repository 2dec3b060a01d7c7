import { createHmac, randomBytes } from 'node:crypto';
import { sameSecret } from './guard.ts';

/** A terminal shows the last links; older ones are void. */
const mostTokens = 8;
const sessionMilliseconds = 7 * 24 * 3_600_000;

/** Tokens that are good for one exchange, and the sessions that come of them. */
export interface Secrets {
  /** A token for a link. */
  newToken(): string;
  /** Gives a session for a token, once; null for a token that is unknown or used. */
  exchange(token: string): string | null;
  isSession(session: string | null): boolean;
}

const random = () => randomBytes(32).toString('base64url');

/**
 * Tokens end with the process. A session is a signed expiry, good for a week for whoever has the key: a page that is open while the
 * server is started again comes back by itself. `reusable` is a token that stays good, for development alone.
 */
export function openSecrets(
  key: Uint8Array,
  reusable: string | null = null,
  now: () => number = Date.now,
): Secrets {
  let tokens: string[] = [];
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64url');
  return {
    newToken: () => {
      if (reusable !== null) return reusable;
      const token = random();
      tokens = [...tokens, token].slice(-mostTokens);
      return token;
    },
    exchange: (token) => {
      const known = tokens.find((one) => sameSecret(one, token));
      if (known === undefined && (reusable === null || !sameSecret(reusable, token))) return null;
      tokens = tokens.filter((one) => one !== known);
      const claim = `${now() + sessionMilliseconds}.${random()}`;
      return `${claim}.${sign(claim)}`;
    },
    isSession: (session) => {
      const [expires = '', name = '', signature = '', ...more] = session?.split('.') ?? [];
      if (more.length > 0 || !sameSecret(signature, sign(`${expires}.${name}`))) return false;
      return Number(expires) > now();
    },
  };
}
