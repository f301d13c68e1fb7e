import { committedNamespace } from '../lifecycle/committed-namespace.ts';
import { legacyNamespace } from '../lifecycle/legacy-namespace.ts';
import { type Found, found, type NamespaceDefinition } from '../lifecycle/namespace-definition.ts';
import { isSystemChaincode, systemNamespace } from '../lifecycle/system-chaincodes.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { protos } from '../protos/messages.ts';
import { type Checked, failed, passed } from './validation/outcome.ts';
import type { ValidationRules } from './validation/rules.ts';
import type { ValidationState } from './validation-state.ts';

const { INVALID_CHAINCODE, INVALID_OTHER_REASON } = protos.TxValidationCode;

export interface DefinitionLookupParts {
  readonly bundle: ChannelBundle;
  readonly state: ValidationState;
  readonly rules: ValidationRules;
}

/** Definitions as of before one block; each is read once, however many transactions of the block need it. */
export class DefinitionLookup {
  readonly #parts: DefinitionLookupParts;
  readonly #known = new Map<string, Promise<Checked<NamespaceDefinition>>>();

  constructor(parts: DefinitionLookupParts) {
    this.#parts = parts;
  }

  find(namespace: string): Promise<Checked<NamespaceDefinition>> {
    const known = this.#known.get(namespace);
    if (known !== undefined) return known;
    const checked = this.#check(namespace);
    this.#known.set(namespace, checked);
    return checked;
  }

  async #check(namespace: string): Promise<Checked<NamespaceDefinition>> {
    const definition = await this.#read(namespace);
    if (definition.ok) return passed(definition.value);
    const code = this.#parts.rules.validator === 'v20' ? INVALID_CHAINCODE : INVALID_OTHER_REASON;
    return failed(code, definition.message, definition.details);
  }

  async #read(namespace: string): Promise<Found<NamespaceDefinition>> {
    const { bundle, state, rules } = this.#parts;
    if (rules.validator === 'v20') return committedNamespace(state, namespace, bundle);
    return isSystemChaincode(namespace) ? found(systemNamespace(namespace, bundle)) : legacyNamespace(state, namespace);
  }
}
