/** As far as it matters to whom one may be told about. */
export interface Disclosable {
  readonly mspId: string;
  /** `host:port` for everybody, or ''. */
  readonly endpoint: string;
}

/**
 * Whether a peer may be told of another: of its own organisation's always; of ours when both are to be reached from outside; of a third
 * organisation's never.
 * @see disclosurePolicy in hyperledger/fabric v2.5, gossip/gossip/gossip_impl.go
 */
export function mayBeTold(of: Disclosable, to: Disclosable, ownMspId: string): boolean {
  if (of.mspId === to.mspId) return true;
  return of.mspId === ownMspId && of.endpoint !== '' && to.endpoint !== '';
}

/**
 * Whom an alive message is passed on to. A foreign one goes to its own organisation and to ours, to peers that can be reached from outside.
 * @see gossipBatch and sendAndFilterSecrets in hyperledger/fabric v2.5, gossip/gossip/gossip_impl.go
 */
export function mayHear(of: Disclosable, to: Disclosable, ownMspId: string): boolean {
  if (of.mspId === ownMspId) return mayBeTold(of, to, ownMspId);
  return to.endpoint !== '' && (to.mspId === ownMspId || to.mspId === of.mspId);
}
