/* The numbers of rtnetlink(7): linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h. */

export const messageType = {
  askLinks: 18,
  askAddresses: 22,
  putRoute: 24,
  dropRoute: 25,
  askRoutes: 26,
  putNeighbour: 28,
  dropNeighbour: 29,
  askNeighbours: 30,
} as const;

export const addressFamily = { internet: 2, bridge: 7 } as const;

export const mainTable = 254;
export const routeType = { unicast: 1, blackhole: 6 } as const;
/** RTNH_F_ONLINK and RTM_F_CLONED. */
export const routeFlag = { onlink: 4, cloned: 0x200 } as const;
/** NUD_PERMANENT: a neighbour that never ages. */
export const permanentState = 0x80;

export const routeAttribute = { destination: 1, device: 4, gateway: 5, metric: 6, source: 7 } as const;
export const neighbourAttribute = { destination: 1, mac: 2, device: 8 } as const;
