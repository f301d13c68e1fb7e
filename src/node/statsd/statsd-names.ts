/** Beginnings of Fabric's names whose parts StatsD has on levels of their own; elsewhere the first word is one. */
const LEVELS = [
  'go_mem',
  'grpc_server',
  'grpc_comm',
  'gossip_comm',
  'gossip_leader_election',
  'gossip_membership',
  'gossip_payload_buffer',
  'gossip_privdata',
  'gossip_state',
];
/** Names without levels. */
const FLAT = ['fabric_version'];

/**
 * What a metric is called in StatsD, `grpc.server.unary_requests_received.protos_Endorser.ProcessProposal`: the name on levels, then the
 * values of its labels, which come in the order that Fabric's formats have.
 * @see common/metrics/internal/namer in hyperledger/fabric v2.5, and the StatsD tables of its metrics reference
 */
export const statsdName = (name: string, labels: Readonly<Record<string, string>>): string =>
  [leveled(name), ...Object.values(labels).map((value) => value.replace(/[.|:\s]/g, '_'))].join('.');

function leveled(name: string): string {
  if (FLAT.includes(name)) return name;
  const known = LEVELS.find((each) => name.startsWith(`${each}_`));
  const at = known?.length ?? name.indexOf('_');
  if (at < 0) return name;
  const [first = '', ...rest] = name.slice(0, at).split('_');
  return [first, ...(rest.length > 0 ? [rest.join('_')] : []), name.slice(at + 1)].join('.');
}
