# Sets Alcove up on first use, then starts it: .\run.ps1 opens the window, .\run.ps1 chat "hello" is `alcove chat`.
$ErrorActionPreference = "Stop"
. (Join-Path $PSScriptRoot "packaging\setup\ensure.ps1")
Confirm-Setup "app"
& $VenvPython -P -m app @args
exit $LASTEXITCODE
