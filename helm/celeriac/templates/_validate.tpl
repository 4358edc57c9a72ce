{{/*
What is wrong with values each of which is right by itself: one rule, one sentence that says what to change. All are told together.
*/}}
{{- define "celeriac.validate" -}}
{{- $faults := list -}}
{{- $root := . -}}
{{- $pools := dict -}}
{{- include "celeriac.pools" (dict "root" . "into" $pools) -}}
{{- range $part := list "broker" "resultBackend" -}}
{{- $values := get $root.Values $part -}}
{{- if and $values.url $values.existingSecret.name -}}
{{- $faults = append $faults (printf "%s.url and %s.existingSecret.name are both set; keep one of them" $part $part) -}}
{{- end -}}
{{- end -}}
{{- if not (or .Values.broker.url .Values.broker.existingSecret.name) -}}
{{- $faults = append $faults "no broker; set broker.url, or broker.existingSecret.name to a Secret that holds the URL" -}}
{{- end -}}
{{- if not $pools -}}
{{- $faults = append $faults "no pools; add one, such as pools: { default: { queues: [celery] } }" -}}
{{- end -}}
{{- $faults = concat $faults (include "celeriac.validate.queues" $pools | fromYamlArray) -}}
{{- range $name, $pool := $pools -}}
{{- $given := dict "root" $root "name" $name "pool" $pool "given" (get $root.Values.pools $name | default dict) -}}
{{- $faults = concat $faults (include "celeriac.validate.scaling" $given | fromYamlArray) -}}
{{- if $pool.owned -}}
{{- $faults = concat $faults (include "celeriac.validate.owned" $given | fromYamlArray) -}}
{{- else -}}
{{- $faults = concat $faults (include "celeriac.validate.existing" $given | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- $faults = concat $faults (include "celeriac.validate.secrets" . | fromYamlArray) -}}
{{- $faults = concat $faults (include "celeriac.validate.lease" . | fromYamlArray) -}}
{{- $faults = concat $faults (include "celeriac.validate.tests" (dict "root" . "pools" $pools) | fromYamlArray) -}}
{{- $faults = concat $faults (include "celeriac.validate.kinds" (dict "root" . "pools" $pools) | fromYamlArray) -}}
{{- if $faults -}}
{{- fail (printf "\n\nvalues of celeriac:\n  - %s\n" (join "\n  - " $faults)) -}}
{{- end -}}
{{- end -}}

{{/* A queue, and a Deployment, belong to one pool. Given the pools. */}}
{{- define "celeriac.validate.queues" -}}
{{- $owners := dict -}}
{{- $targets := dict -}}
{{- range $name, $pool := . -}}
{{- if not $pool.queues }}
- {{ printf "pools.%s has no queues; set pools.%s.queues, such as [celery]" $name $name | quote }}
{{- end -}}
{{- range $queue := $pool.queues -}}
{{- if eq (get $owners $queue) $name }}
- {{ printf "pools.%s names queue %q twice; remove one" $name $queue | quote }}
{{- else if hasKey $owners $queue }}
- {{ printf "queue %q is in pools %s and %s; a queue belongs to one pool: remove it from one, or give both pools' queues to one pool" $queue (get $owners $queue) $name | quote }}
{{- end -}}
{{- $_ := set $owners $queue $name -}}
{{- end -}}
{{- $target := printf "%s/%s" $pool.objectNamespace $pool.objectName -}}
{{- if hasKey $targets $target }}
- {{ printf "pools %s and %s scale the same Deployment %s; give both pools' queues to one pool" (get $targets $target) $name $target | quote }}
{{- end -}}
{{- $_ := set $targets $target $name -}}
{{- end -}}
{{- end -}}

{{/* Transport options stand in a ConfigMap and in arguments: no place for a secret. */}}
{{- define "celeriac.validate.secrets" -}}
{{- range $part := list "broker" "resultBackend" -}}
{{- include "celeriac.validate.secretsIn" (dict "at" (printf "%s.transportOptions" $part) "options" (get (get $.Values $part) "transportOptions" | default dict) "part" $part) -}}
{{- end -}}
{{- end -}}

{{- define "celeriac.validate.secretsIn" -}}
{{- range $key, $value := .options -}}
{{- if kindIs "map" $value -}}
{{- include "celeriac.validate.secretsIn" (dict "at" (printf "%s.%s" $.at $key) "options" $value "part" $.part) -}}
{{- else if regexMatch "(?i)(password|secret|token)$" $key }}
{{- $place := printf "into the URL, in %s.existingSecret" $.part -}}
{{- if hasSuffix ".sentinelKwargs" $.at -}}{{- $place = "into a Secret, and its name into sentinel.secret" -}}{{- end }}
- {{ printf "%s.%s would be readable in a ConfigMap and in arguments; put it %s" $.at $key $place | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whoever holds the lease must stop acting before another may take it. */}}
{{- define "celeriac.validate.lease" -}}
{{- $lease := .Values.autoscaler.lease | default dict -}}
{{- $duration := include "celeriac.ms" ($lease.duration | default "15s") | int64 -}}
{{- $deadline := include "celeriac.ms" ($lease.renewDeadline | default "10s") | int64 -}}
{{- $retry := include "celeriac.ms" ($lease.retryPeriod | default "2s") | int64 -}}
{{- if ge $deadline $duration }}
- {{ printf "autoscaler.lease.renewDeadline is %s, not shorter than duration, which is %s; lower it" ($lease.renewDeadline | default "10s") ($lease.duration | default "15s") | quote }}
{{- end -}}
{{- if gt (mul $retry 2) $deadline }}
- {{ printf "autoscaler.lease.retryPeriod is %s, more than half of renewDeadline, which is %s; lower it" ($lease.retryPeriod | default "2s") ($lease.renewDeadline | default "10s") | quote }}
{{- end -}}
{{- end -}}

{{/* A duration such as 1.5s in ms. */}}
{{- define "celeriac.ms" -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" . | float64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- mulf $number (get (dict "ms" 1.0 "s" 1000.0 "m" 60000.0 "h" 3600000.0 "d" 86400000.0) $unit | default 1.0) | int64 -}}
{{- end -}}

