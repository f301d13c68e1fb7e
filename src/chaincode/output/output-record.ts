import type { OutputLine } from '../../packages/output.ts';

/** A line as it is kept: one line of a file, `TIME STREAM CHANNEL TXID TEXT`, with `-` for what is not known. */
export interface OutputRecord extends OutputLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Which of several replicas printed it; not in the line but in the name of its file. */
  readonly replica?: number | undefined;
}

export const formatRecord = ({ time, stream, channelId = '-', txId = '-', text }: OutputRecord): string =>
  `${time} ${stream} ${channelId} ${txId} ${text.replaceAll('\r', '')}\n`;

const RECORD = /^(\S+Z) (\S+) (\S+) (\S+) (.*)$/s;

/** Undefined for a line that is none, like one that a full disk cut short. */
export function parseRecord(line: string): OutputRecord | undefined {
  const [, time, stream, channelId, txId, text] = RECORD.exec(line) ?? [];
  if (time === undefined || stream === undefined || text === undefined) return undefined;
  return { time, stream, text, ...(channelId !== '-' && { channelId }), ...(txId !== '-' && { txId }) };
}
