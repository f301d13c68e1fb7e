import { join } from 'node:path';

/** What is in the folder of one ledger. Blocks are the truth. */
export const blocksIn = (folder: string): string => join(folder, 'blocks');
/** State, history and index, which follow the blocks. */
export const stateIn = (folder: string): string => join(folder, 'state');
/** What blocks do not hold. */
export const privateIn = (folder: string): string => join(folder, 'private');
