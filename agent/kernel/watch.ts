import { loadSystem } from './native.ts';
import { messageType, permanentState } from './netlink/rtnetlink.ts';
import { openNetlink } from './netlink/socket.ts';

/** News of what others change in the kernel's tables. */
export interface KernelWatch {
  close(): void;
}

/* rtnetlink(7): the bits of RTMGRP_LINK, RTMGRP_NEIGH, RTMGRP_IPV4_IFADDR and RTMGRP_IPV4_ROUTE. */
const groups = 0x1 | 0x4 | 0x10 | 0x40;
/** Node.js can't wait for a netlink socket, so it is looked at; a look takes some microseconds. */
const lookMilliseconds = 250;

/** ARP's own work on entries that age is no change that concerns us. */
const concernsUs = ({ type, body }: { readonly type: number; readonly body: Buffer }): boolean =>
  (type !== messageType.putNeighbour && type !== messageType.dropNeighbour) ||
  body.length < 10 ||
  (body.readUInt16LE(8) & permanentState) !== 0 ||
  type === messageType.dropNeighbour;

/**
 * Watches links, addresses, routes and neighbours of this process's namespace and calls back, at most once a look, when
 * another than the socket with `ownPort` has changed them. When news was lost it calls back too. The kernel doesn't say who
 * changed a tunnel's forwarding entries (vxlan_core.c, vxlan_fdb_notify), so our own changes of those are told once.
 */
export async function watchKernel(ownPort: number, onChange: () => void): Promise<KernelWatch> {
  const netlink = openNetlink(await loadSystem(), 0, groups);
  const look = setInterval(() => {
    const news = netlink.take();
    if (news === null || news.some((message) => message.port !== ownPort && concernsUs(message))) onChange();
  }, lookMilliseconds);
  return {
    close() {
      clearInterval(look);
      netlink.close();
    },
  };
}
