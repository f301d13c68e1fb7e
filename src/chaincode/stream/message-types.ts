import { protos } from '../../protos/messages.ts';

/** `protos.ChaincodeMessage.Type`, by number. */
export const Type = protos.ChaincodeMessage_Type;

const names = new Map<number, string>(Object.entries(Type).map(([name, number]) => [number, name]));

/** Fabric's name of a message type; the number itself where there is none, as Go prints it. */
export const typeName = (type: number): string => names.get(type) ?? String(type);

/** How Fabric's log lines and refusals name a transaction: the first eight characters. */
export const shortTxId = (txId: string): string => txId.slice(0, 8);
