/** A chaincode as another one names it. */
export interface CalleeName {
  readonly name: string;
  /** Parsed, because it is part of the form, and ignored: the channel's definition decides. */
  readonly version: string;
  /** '' for the caller's own channel. */
  readonly channelId: string;
}

/**
 * Reads `cc`, `cc/channel`, `cc:version` or `cc:version/channel`.
 * @see ParseName in hyperledger/fabric v2.5, core/chaincode/handler.go
 */
export function parseCalleeName(text: string): CalleeName {
  const [chaincode, channelId] = splitOnce(text, '/');
  const [name, version] = splitOnce(chaincode, ':');
  return { name, version, channelId };
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
