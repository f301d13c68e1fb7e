export interface NodeFlags {
  readonly peerChaincodedev?: boolean;
}
