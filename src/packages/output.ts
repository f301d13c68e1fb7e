/** A line that a chaincode, its build or its builder printed. */
export interface OutputLine {
  /** `stdout` and `stderr` of the chaincode; `build` while it is made; `peer` for what the peer has to say. */
  readonly stream: string;
  readonly text: string;
  /** The transaction that it belongs to, when somebody can tell. */
  readonly channelId?: string | undefined;
  readonly txId?: string | undefined;
}

/** Takes the output of one launch. Disposing writes what is left. */
export interface LaunchOutput extends AsyncDisposable {
  /** Never throws and never waits: output that cannot be kept is lost, the chaincode goes on. */
  line(line: OutputLine): void;
}

/** Where the output of chaincode is kept. */
export interface ChaincodeOutput {
  /** For one launch, from its build on. Never rejects. @param replica which of several this is */
  open(ccid: string, replica?: number): Promise<LaunchOutput>;
}
