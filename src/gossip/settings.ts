/** How gossip paces itself: `peer.gossip.*`, times in milliseconds. */
export interface GossipSettings {
  readonly aliveIntervalMs: number;
  /** A peer that was not heard of for so long is dead. */
  readonly aliveExpirationMs: number;
  /** How often dead peers, and endpoints that did not answer, are tried again. */
  readonly reconnectMs: number;
  /** A dead peer is forgotten after this times `aliveExpirationMs`. */
  readonly expirationFactor: number;
  /** Of an endpoint that is configured. */
  readonly connectionAttempts: number;
  /** From the start on, for so long alive messages carry the identity. */
  readonly publishIdentityMs: number;
  readonly pullIntervalMs: number;
  readonly pullPeers: number;
  readonly digestWaitMs: number;
  readonly requestWaitMs: number;
  readonly responseWaitMs: number;
  readonly publishStateInfoMs: number;
  readonly requestStateInfoMs: number;
  /** How often it is looked whether the peers of a channel have changed, for the log and the metrics. */
  readonly membershipTrackerMs: number;
  readonly propagatePeers: number;
  readonly propagateIterations: number;
  readonly burstLatencyMs: number;
  readonly burstSize: number;
}
