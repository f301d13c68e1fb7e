import { compareUtf8 } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';

interface Decoder<T> {
  readonly typeName: string;
  decode(bytes: Uint8Array): T;
}

/** Reads the values of one group and knows which ones nobody asked for. */
export class GroupValues {
  readonly #values: ReadonlyMap<string, common.ConfigValue>;
  readonly #read = new Set<string>();

  constructor(group: common.ConfigGroup) {
    this.#values = group.values;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /**
   * The value, or its message's defaults when it is absent.
   * @throws {SelvageError} `CONFIG_INVALID` when it does not parse
   */
  read<T>(key: string, codec: Decoder<T>): T {
    this.#read.add(key);
    try {
      return codec.decode(this.#values.get(key)?.value ?? new Uint8Array(0));
    } catch (cause) {
      throw new SelvageError('CONFIG_INVALID', `failed to deserialize values: ${key}: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * A value nobody read is one we do not know, and then we cannot say what the configuration means.
   * @throws {SelvageError} `CONFIG_INVALID`
   * @see DeserializeProtoValuesFromGroup in hyperledger/fabric v2.5, common/channelconfig/standardvalues.go
   */
  refuseOthers(): void {
    const other = [...this.#values.keys()].filter((key) => !this.#read.has(key)).sort(compareUtf8)[0];
    if (other !== undefined) throw new SelvageError('CONFIG_INVALID', `failed to deserialize values: Unexpected key ${other}`);
  }
}
