import type { ChaincodeOutput, OutputLine } from '../../packages/output.ts';

/** The same, with somebody who hears every line as it comes. @param hear must not throw */
export const heardOutput = (output: ChaincodeOutput, hear: (ccid: string, line: OutputLine) => void): ChaincodeOutput => ({
  open: async (ccid, replica) => {
    const kept = await output.open(ccid, replica);
    return {
      line: (line) => {
        kept.line(line);
        hear(ccid, line);
      },
      [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
    };
  },
});
