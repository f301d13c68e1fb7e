import type { NamespaceDefinition } from '../../lifecycle/namespace-definition.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Invocation } from '../validation/invocation.ts';
import type { Details } from '../validation/outcome.ts';
import type { ParameterChanges } from '../validation/parameter-changes.ts';
import type { ValidationRules } from '../validation/rules.ts';
import type { ValidationState } from '../validation-state.ts';

/** What all transactions of one block are judged by. */
export interface BlockContext {
  readonly bundle: ChannelBundle;
  readonly rules: ValidationRules;
  readonly state: ValidationState;
  readonly changes: ParameterChanges;
}

/** One namespace of one transaction, to be judged. */
export interface PluginRequest extends BlockContext {
  readonly invocation: Invocation;
  /** Index of the transaction in its block. */
  readonly index: number;
  readonly definition: NamespaceDefinition;
}

/** A refusal becomes `ENDORSEMENT_POLICY_FAILURE`. */
export type PluginVerdict = { readonly ok: true } | { readonly ok: false; readonly message: string; readonly details: Details };

/**
 * Decides whether the endorsements of a transaction suffice for one namespace. Must be a function of the request alone: peers that
 * answer differently fork the channel. What it throws stops the channel.
 */
export interface ValidationPlugin {
  validate(request: PluginRequest): Promise<PluginVerdict>;
}

export const accepted: PluginVerdict = { ok: true };

export const refused = (message: string, details: Details = {}): PluginVerdict => ({ ok: false, message, details });
