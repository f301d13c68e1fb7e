/** What the peer knows of where a chaincode runs. */
export interface Debuggee {
  /** `host:port` of the chaincode's end of its connection with the peer. */
  readonly remote?: string | undefined;
  /** Its processes on this machine, where its runtime knows them. */
  readonly processes?: (() => Promise<readonly number[]>) | undefined;
}

/** Finds out whether somebody stands at a breakpoint, or might. */
export interface Debuggers {
  /** Whether a debugger is attached to it now. False where that cannot be told, as for chaincode on another machine. Never rejects. */
  attached(debuggee: Debuggee): Promise<boolean>;
}
