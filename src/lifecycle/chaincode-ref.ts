/** Which chaincode runs: `ccid` is what its instance registers with, `name:version` in the legacy lifecycle. */
export interface ChaincodeRef {
  readonly name: string;
  readonly version: string;
  readonly ccid: string;
}
