// How rules and chains of ours are told from those of others.

/** Chains of ours, all in the table nat. */
export const ownChains = {
  inbound: 'KUMA_MESH_INBOUND',
  outbound: 'KUMA_MESH_OUTBOUND',
  inboundRedirect: 'KUMA_MESH_INBOUND_REDIRECT',
  outboundRedirect: 'KUMA_MESH_OUTBOUND_REDIRECT',
} as const;

/** What the comment of each rule of ours begins with. */
export const commentMark = 'kuma/mesh/transparent/proxy/';
