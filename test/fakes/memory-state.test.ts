import { stateContract } from '../../src/ledger/statedb/state.contract.ts';
import { MemoryState } from './memory-state.ts';

stateContract('memory', async () => new MemoryState());
