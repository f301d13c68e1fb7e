import { SelvageError } from '../../common/errors.ts';

const MAX_LENGTH = 249;

/**
 * Refuses a channel id that Kafka or CouchDB could not carry: lower-case letters, digits, dots and dashes, a letter first, at
 * most 249 characters.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see ValidateChannelID in hyperledger/fabric v2.5, common/configtx/validator.go
 */
export function checkChannelId(channelId: string): void {
  if (channelId === '') throw refused('channel ID illegal, cannot be empty');
  if (channelId.length > MAX_LENGTH) throw refused(`channel ID illegal, cannot be longer than ${MAX_LENGTH}`);
  if (!/^[a-z][a-z0-9.-]*$/.test(channelId)) throw refused(`'${channelId}' contains illegal characters`);
}

/**
 * Refuses a name that no group, value or policy of a configuration may have.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see validateConfigID in hyperledger/fabric v2.5, common/configtx/validator.go
 */
export function checkConfigId(id: string): void {
  if (id === '') throw refused('config ID illegal, cannot be empty');
  if (id.length > MAX_LENGTH) throw refused(`config ID illegal, cannot be longer than ${MAX_LENGTH}`);
  if (id === '.' || id === '..') throw refused(`name '${id}' for config ID is not allowed`);
  if (!/^[a-zA-Z0-9.-]+$/.test(id)) throw refused(`config ID '${id}' contains illegal characters`);
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
