import type { SimulatorParts } from './simulator-parts.ts';
import { StateSimulator } from './state-simulator.ts';
import type { TxSimulator } from './tx-simulator.ts';

/** Opens a simulation of one transaction. Disposing it, or asking for its result, waits for calls that are running. */
export const openSimulator = (parts: SimulatorParts): TxSimulator => new StateSimulator(parts);
