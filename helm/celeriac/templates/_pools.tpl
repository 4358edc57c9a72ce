{{/*
Merges .from into .into, in place: maps key by key, everything else is replaced, null takes a key away. (Sprig's `merge` takes false and 0 for
absent, and a way through YAML would write large numbers as floats.)
*/}}
{{- define "celeriac.mergeInto" -}}
{{- $into := .into -}}
{{- range $key, $value := .from -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $into $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $into $key)) -}}
{{- include "celeriac.mergeInto" (dict "into" (get $into $key) "from" $value) -}}
{{- else if or (kindIs "map" $value) (kindIs "slice" $value) -}}
{{- $_ := set $into $key (deepCopy $value) -}}
{{- else -}}
{{- $_ := set $into $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Fills the map .into with the pools of .root by name, `defaults` merged under each. Further keys of each: `objectName` and `objectNamespace` of
its Deployment, `owned` (whether it is the chart's) and `by`.
*/}}
{{- define "celeriac.pools" -}}
{{- $root := .root -}}
{{- $into := .into -}}
{{- range $name, $given := $root.Values.pools -}}
{{- /* null takes a pool away that another values file has. */ -}}
{{- if not (kindIs "invalid" $given) -}}
{{- $pool := dict -}}
{{- $existing := $given.existingDeployment | default dict -}}
{{- $base := $root.Values.defaults -}}
{{- if $existing.name -}}
{{- $base = pick $base "scaling" "target" "keda" -}}
{{- else if and (eq ($given.kind | default $base.kind) "python") (ne $base.kind "python") -}}
{{- /* What is said for Node workers fits no other. */ -}}
{{- $base = omit $base "probes" "app" "args" "command" -}}
{{- end -}}
{{- include "celeriac.mergeInto" (dict "into" $pool "from" $base) -}}
{{- include "celeriac.mergeInto" (dict "into" $pool "from" $given) -}}
{{- range $variable, $value := $given.env -}}
{{- if not (kindIs "invalid" $value) -}}{{- $_ := set $pool.env $variable $value -}}{{- end -}}
{{- end -}}
{{- $_ := set $pool "owned" (not $existing.name) -}}
{{- $_ = set $pool "by" (dig "scaling" "by" "celeriac" $pool) -}}
{{- $_ = set $pool "objectName" ($existing.name | default (printf "%s-%s" (include "celeriac.fullname" $root) $name)) -}}
{{- $_ = set $pool "objectNamespace" ($existing.namespace | default $root.Release.Namespace) -}}
{{- $_ = set $into $name $pool -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Name of a pool's service account. Given pool.
*/}}
{{- define "celeriac.pool.serviceAccount" -}}
{{- $account := .pool.serviceAccount -}}
{{- $account.name | default ($account.create | ternary .pool.objectName "default") -}}
{{- end -}}
