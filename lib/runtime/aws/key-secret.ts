import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ConfigError } from '../../data/errors.ts';
import { openClient } from './clients.ts';
import { awsFailure, describeFailure } from './failure.ts';

/** 64 bytes: two AES-256 keys, as AES-SIV takes them. */
const HEX_DIGITS = 128;

/**
 * The pseudonym key from a secret whose text is 128 hexadecimal digits.
 * @param secretId ARN or name
 * @param retryFor seconds for which it is asked for again
 * @returns 64 bytes
 * @throws ConfigError when the secret cannot be read or holds anything else
 */
export async function readKeySecret(secretId: string, retryFor: number): Promise<Uint8Array> {
  const text = await secretText(secretId, retryFor);
  if (!new RegExp(`^[0-9a-fA-F]{${HEX_DIGITS}}$`).test(text)) {
    throw new ConfigError(
      `secret ${secretId} holds ${text.length} characters that are no pseudonym key: ` +
        `expected ${HEX_DIGITS} hexadecimal digits (64 bytes), such as \`openssl rand -hex 64\` prints`,
    );
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

async function secretText(secretId: string, retryFor: number): Promise<string> {
  const client = openClient((settings) => new SecretsManagerClient(settings), retryFor);
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return SecretString.trim();
  } catch (error) {
    throw new ConfigError(
      `secret ${secretId} cannot be read: ${describeFailure(awsFailure(error))}; check its name, the region, and ` +
        "the role's rights on it and on its KMS key",
      { cause: error },
    );
  } finally {
    client.destroy();
  }
}
