title-admin = Hotshare
