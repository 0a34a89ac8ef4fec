import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Policy, parsePolicy } from '../job/policy/policy.ts'
import { messageOf } from '../util/errors.ts'

/**
 * The policy in a YAML file. Throws an Error that names the setting, the file, each wrong key and
 * the right values.
 */
export function readPolicyFile(path: string): Policy {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`POLICY_FILE: ${messageOf(cause)}; expected a readable file`, { cause })
  }
  try {
    return parsePolicy(parse(text))
  } catch (cause) {
    throw new Error(`POLICY_FILE ${path}: ${messageOf(cause)}`, { cause })
  }
}
