/** Texts as Go prints them, where Fabric hands them to clients. */
import { goQuoted } from '../protos/go-quoted.ts';
import type { protos } from '../protos/messages.ts';

/**
 * A `ChaincodeInput` in protobuf's compact text form, with a blank after each field.
 * @see CompactTextString in golang/protobuf v1.0, proto/text.go
 */
export function chaincodeInputText({ args, decorations, isInit }: protos.ChaincodeInput): string {
  const fields = args.map((arg) => `args:${goQuoted(arg)} `);
  for (const key of [...decorations.keys()].sort()) {
    fields.push(`decorations:<key:${goQuoted(Buffer.from(key))} value:${goQuoted(decorations.get(key) ?? new Uint8Array())} > `);
  }
  if (isInit) fields.push('is_init:true ');
  return fields.join('');
}

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

export type ParsedNumber = { readonly value: bigint } | { readonly error: string };

/** `strconv.ParseUint(text, 10, 64)`, with its error text. */
export function parseUint64(text: string): ParsedNumber {
  const failed = (why: string): ParsedNumber => ({ error: `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}` });
  if (!/^[0-9]+$/.test(text)) return failed('invalid syntax');
  if (text.replace(/^0+/, '').length > 20) return failed('value out of range');
  const value = BigInt(text);
  return value > MAX_UINT64 ? failed('value out of range') : { value };
}
