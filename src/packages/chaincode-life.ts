import type { Exit } from './launch-spec.ts';
import type { OutputLine } from './output.ts';

/** What can be told of a chaincode that was started. */
export type ChaincodeLife = 'registered' | 'exited';

const REGISTERED = 'chaincode registered';
const EXITED = 'chaincode exited with ';

/** The line that stands in the output of chaincode when it takes transactions. */
export const chaincodeRegistered: OutputLine = { stream: 'peer', text: REGISTERED };

/** The line for a chaincode that ended although nobody stopped it. */
export const chaincodeExited = ({ code, signal }: Exit): OutputLine => ({
  stream: 'peer',
  text: `${EXITED}${code ?? signal ?? 'an unknown code'}`,
});

/** Undefined for a line that says something else. */
export function lifeOf({ stream, text }: OutputLine): ChaincodeLife | undefined {
  if (stream !== 'peer') return undefined;
  if (text === REGISTERED) return 'registered';
  return text.startsWith(EXITED) ? 'exited' : undefined;
}
