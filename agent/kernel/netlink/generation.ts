import { loadSystem } from '../native.ts';
import { readAttributes } from './message.ts';
import { type Netlink, openNetlink } from './socket.ts';

/* linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h */
const netfilter = 12;
/** NFNL_SUBSYS_NFTABLES and NFT_MSG_GETGEN. */
const getGeneration = (10 << 8) | 16;
const generationAttribute = 1;

let shared: Promise<Netlink> | null = null;

/**
 * How often nf_tables rules of this namespace have been changed, by anybody; it only ever grows, until it wraps at 2^32.
 * Null when the kernel doesn't say.
 */
export async function rulesetGeneration(): Promise<number | null> {
  shared ??= loadSystem().then((system) => openNetlink(system, netfilter));
  try {
    // struct nfgenmsg: any family, version 0, no resource.
    const request = { type: getGeneration, flags: 0, fixed: Buffer.alloc(4), attributes: [] };
    const [answer] = (await shared).ask([request]);
    const value = answer == null ? undefined : readAttributes(answer.body, 4).get(generationAttribute);
    return value?.length === 4 ? value.readUInt32BE() : null;
  } catch {
    // A kernel without netfilter's netlink has nothing to say, and the rules are looked at each time.
    return null;
  }
}
