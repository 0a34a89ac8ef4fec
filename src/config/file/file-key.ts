/** A setting's name in the settings file: `endpoint_for_pods` of the field `endpointForPods`. */
export function settingKey(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
