import type { SelvageError } from '../../common/errors.ts';
import { refused } from '../reply.ts';

/** All arguments count, the function's name among them. */
export const wrongCount = (args: readonly Uint8Array[]): SelvageError => refused(`invalid number of argument to lscc ${args.length}`);
