import { defined } from '../../../util/objects.ts'
import type { BeginMessage } from '../signaling-messages.ts'
import { type Flow, sha256Hex } from './flow.ts'

/**
 * The flow that a message describes. `own` is the DID of the participant that this data plane works
 * for.
 */
export function newFlow(
  message: BeginMessage,
  controlPlane: string | undefined,
  own: string | undefined,
): Omit<Flow, 'state' | 'by' | 'data'> {
  const at = new Date().toISOString()
  return {
    version: 1,
    id: message.processId,
    number: 1,
    created_at: at,
    changed_at: at,
    earlier: message.earlier,
    request_sha256: requestDigest(message),
    profile: message.profile,
    ...parties(message, own),
    dataset_id: message.datasetId,
    agreement_id: message.agreementId,
    ...defined({ callback_address: message.callbackAddress, control_plane: controlPlane }),
    tokens: { refresh: [], access: [] },
  }
}

/** A digest of the message: equal for a repetition. */
export function requestDigest(message: BeginMessage): string {
  return sha256Hex(JSON.stringify(message))
}

/**
 * Connectors up to 0.18 name the two the other way round in a start (eclipse-edc/Connector pull
 * 5797).
 */
function parties({ participantId, counterPartyId }: BeginMessage, own: string | undefined) {
  const turned = own !== undefined && counterPartyId === own && participantId !== own
  return turned
    ? { participant_id: counterPartyId, counter_party_id: participantId }
    : { participant_id: participantId, counter_party_id: counterPartyId }
}
