# Sets Alcove up for development on first use, then runs all checks; --full adds the slow suites.
$ErrorActionPreference = "Stop"
. (Join-Path $PSScriptRoot "packaging\setup\ensure.ps1")
Confirm-Setup "dev" @("--dev")
& $VenvPython (Join-Path $PSScriptRoot "packaging\setup\check.py") @args
exit $LASTEXITCODE
