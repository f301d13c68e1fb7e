export interface SnapshotFlags {
  readonly channelID: string;
  readonly blockNumber?: bigint;
  readonly peerAddress: string;
  readonly tlsRootCertFile: string;
}
